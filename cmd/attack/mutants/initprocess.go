package main

// initProcess are the defences of PID 1.
var initProcess = []mutant{}
