module aerial/tools/load

go 1.26
