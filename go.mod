module github.com/cell-mesh/cell

go 1.26.0
