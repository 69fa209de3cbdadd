// Follows a build: its state, its steps and its log, by server-sent events. Text
// from the build is only ever put into text nodes.
"use strict";
(() => {
  const root = document.getElementById("build");
  const log = document.getElementById("log");
  const steps = document.getElementById("steps");
  const live = document.getElementById("live");
  const dropped = document.getElementById("dropped");
  const followButton = document.getElementById("follow");
  const facts = document.getElementById("facts");

  // The page holds at most this much of the log; older text makes room for newer.
  const maxCharacters = 1000000;
  // A browser far behind takes this much into the page per frame, so it stays usable.
  const charactersPerFrame = 200000;
  // A step's log is a row of blocks of about this size, so that the browser lays out
  // only those that are seen.
  const blockCharacters = 16384;

  let pending = []; // pieces that are not in the page yet
  let characters = log.textContent.length;
  let scheduled = false;
  let ended = false;
  let following = true;

  const atEnd = () => window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 48;

  // The reader who scrolls away from the end is left alone until they come back.
  let lastY = window.scrollY;
  window.addEventListener("scroll", () => {
    if (window.scrollY < lastY && !atEnd()) following = false;
    if (atEnd()) following = true;
    lastY = window.scrollY;
    followButton.hidden = following || ended;
  }, { passive: true });
  followButton.addEventListener("click", () => {
    following = true;
    followButton.hidden = true;
    scrollToEnd();
  });

  function scrollToEnd() {
    window.scrollTo(0, document.documentElement.scrollHeight);
    lastY = window.scrollY;
  }

  function section(attempt, step) {
    const last = log.lastElementChild;
    if (last && last.dataset.attempt === String(attempt) && last.dataset.step === step) {
      return last;
    }
    const made = document.createElement("section");
    made.dataset.attempt = attempt;
    made.dataset.step = step;
    const title = document.createElement("h3");
    title.textContent = attempt > 1 ? step + " · attempt " + attempt : step;
    made.append(title);
    log.append(made);
    return made;
  }

  function schedule() {
    if (scheduled) return;
    scheduled = true;
    // A hidden tab gets no frames; it catches up by the timer.
    if (document.hidden) setTimeout(flush, 500);
    else requestAnimationFrame(flush);
  }

  function flush() {
    scheduled = false;
    skipSurplus();
    let room = charactersPerFrame;
    let taken = 0;
    while (taken < pending.length && room > 0) {
      const first = pending[taken];
      const texts = [];
      while (taken < pending.length && room > 0 && sameRun(first, pending[taken])) {
        texts.push(pending[taken].text);
        room -= pending[taken].text.length;
        taken++;
      }
      append(first, texts.join(""));
    }
    pending.splice(0, taken);
    trim();
    if (following && !ended) scrollToEnd();
    if (pending.length > 0) schedule();
  }

  const sameRun = (a, b) => a.attempt === b.attempt && a.step === b.step && a.kind === b.kind;

  function append(piece, text) {
    for (let from = 0; from < text.length;) {
      const block = lastBlock(piece.attempt, piece.step);
      let to = text.indexOf("\n", from + blockCharacters) + 1;
      if (to === 0 || to - from > 4 * blockCharacters) to = Math.min(text.length, from + 4 * blockCharacters);
      const span = document.createElement("span");
      span.className = piece.kind;
      span.textContent = text.slice(from, to);
      block.append(span);
      from = to;
    }
    characters += text.length;
  }

  // A full block takes no more once it ends with a line.
  function lastBlock(attempt, step) {
    const parent = section(attempt, step);
    const last = parent.lastElementChild;
    if (last.tagName === "PRE") {
      const size = last.textContent.length;
      if (size < blockCharacters || size < 4 * blockCharacters && !last.textContent.endsWith("\n")) return last;
    }
    const block = document.createElement("pre");
    parent.append(block);
    return block;
  }

  // What would be trimmed at once is never put into the page.
  function skipSurplus() {
    let waiting = 0;
    let first = pending.length;
    while (first > 0 && waiting <= maxCharacters) waiting += pending[--first].text.length;
    if (first === 0) return;
    pending.splice(0, first);
    dropped.hidden = false;
  }

  function trim() {
    for (let oldest; characters > maxCharacters && (oldest = log.querySelector("pre"));) {
      characters -= oldest.textContent.length;
      const parent = oldest.parentElement;
      oldest.remove();
      if (!parent.querySelector("pre")) parent.remove();
      dropped.hidden = false;
    }
  }

  function add(piece) {
    pending.push(piece);
    schedule();
  }

  function showState(element, state) {
    element.className = "state " + state;
    element.textContent = state;
  }

  function placeText(n) {
    if (!n) return "";
    if (n === 1) return "next in the queue";
    return n > 100 ? "beyond place 100 in the queue" : "place " + n + " in the queue";
  }

  function showVerdict(v) {
    showState(document.getElementById("state"), v.state);
    document.getElementById("cause").textContent = v.cause;
    document.getElementById("summary").textContent = v.summary;
    document.getElementById("place").textContent = placeText(v.queue_position);
    document.title = document.title.replace(/^[a-z]+/, v.state);
  }

  // As quantity.Duration has it.
  function took(seconds) {
    const tenths = Math.round(seconds * 10) / 10;
    if (tenths < 10) return tenths + " s";
    const whole = Math.round(seconds);
    if (whole < 60) return whole + " s";
    if (whole < 3600) return twoUnits(Math.floor(whole / 60), "min", whole % 60, "s");
    return twoUnits(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  }

  function twoUnits(large, unit, small, smaller) {
    if (small === 0) return large + " " + unit;
    return large + " " + unit + " " + String(small).padStart(2, "0") + " " + smaller;
  }

  function stepRow(name) {
    for (const row of steps.children) if (row.dataset.step === name) return row;
    const row = document.createElement("li");
    row.dataset.step = name;
    for (const [tag, cls] of [["span", "name"], ["span", "state"], ["span", "took"], ["bdi", "note"]]) {
      const cell = document.createElement(tag);
      cell.className = cls;
      row.append(cell, " ");
    }
    row.querySelector(".name").textContent = name;
    steps.append(row);
    return row;
  }

  let attempt = 0;
  function showStep(s) {
    if (s.attempt > attempt) {
      attempt = s.attempt;
      steps.replaceChildren();
    }
    const row = stepRow(s.name);
    showState(row.querySelector(".state"), s.state);
    row.querySelector(".note").textContent = s.note;
    const finished = s.started_at && s.ended_at;
    row.querySelector(".took").textContent = finished ? took(s.ended_at - s.started_at) : "";
  }

  // The facts are the server's own rendering: what a page of this build would say now.
  function freshFacts(tries) {
    fetch(location.pathname + "?log=no", { headers: { Accept: "text/html" } })
      .then((answer) => answer.ok ? answer.text() : Promise.reject(new Error(answer.statusText)))
      .then((text) => {
        const page = new DOMParser().parseFromString(text, "text/html").getElementById("facts");
        if (page) facts.replaceChildren(...page.childNodes);
      })
      .catch(() => { if (tries > 1) setTimeout(freshFacts, 2000, tries - 1); });
  }

  let known = "";
  function newState(v) {
    showVerdict(v);
    if (known === v.state + v.attempt) return; // only the place in the queue is another
    known = v.state + v.attempt;
    freshFacts(3);
  }

  function tell(text) {
    live.textContent = text;
    live.hidden = !text;
  }

  // A browser comes back by itself after a broken connection, but not after an error in answer,
  // such as that of a proxy whose server is being restarted.
  let after = root.dataset.after;
  let pause = 1000;
  let stopping = false;
  function connect() {
    const source = new EventSource(root.dataset.events + "?plain=1&after=" + after);
    const on = (event, handle) => source.addEventListener(event, (e) => {
      if (e.lastEventId) after = e.lastEventId;
      handle(JSON.parse(e.data));
    });
    on("chunk", (c) => add({ attempt: c.attempt, step: c.step, kind: c.stream, text: c.text }));
    on("omitted", (o) => {
      if (o.seq) add({ attempt: o.attempt, step: o.step, kind: "gap", text: "\n" + o.text + "\n" });
      tell(o.seq ? "" : o.text);
    });
    on("step", showStep);
    on("state", newState);
    on("stopping", () => { stopping = true; });
    on("end", (v) => {
      source.close();
      newState(v);
      schedule();
      ended = true;
      followButton.hidden = true;
      live.hidden = true;
    });
    source.addEventListener("open", () => {
      pause = 1000;
      stopping = false;
      tell("");
    });
    source.addEventListener("error", () => {
      if (ended) return;
      tell(stopping
        ? "The server is being stopped; trying again until it is back."
        : "The connection was lost; trying again.");
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      setTimeout(connect, pause);
      pause = Math.min(2 * pause, 30000);
    });
  }
  connect();
})();
