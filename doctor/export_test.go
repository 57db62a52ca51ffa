package doctor

// For tests.
var (
	FreeSpace = freeSpace
	Tight     = tight
)
