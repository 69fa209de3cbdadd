package main

// serverSide are the defences of the server and its storage.
var serverSide = []mutant{}
