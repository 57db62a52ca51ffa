package console

// overviewPage is the first look.
type overviewPage struct {
	*frame
}

// GET /console/
func (d *Door) overview(c *call) (any, error) {
	return overviewPage{frame: c.frame}, nil
}
