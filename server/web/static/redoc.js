"use strict";
const docs = document.getElementById("docs");
window.Redoc.init(docs.dataset.description, { disableSearch: true, hideDownloadButton: false }, docs);
