package bench

// memory returns how many bytes of each process are resident.
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
