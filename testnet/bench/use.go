package bench

// memory returns the resident bytes of each process.
func memory(pids ...int) (sizes []int64, err error) {
	for _, pid := range pids {
		size, err := residentOf(pid)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}
