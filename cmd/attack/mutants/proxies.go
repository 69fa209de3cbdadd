package main

// proxies are the refusals of the two services.
var proxies = []mutant{}
