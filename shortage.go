package wxnotify

// A Shortage is that an app is running out of permits of one kind: of those
// that carry any template message (forms and payments together), or of
// subscriptions to one template. Long-term subscriptions are not used up.
type Shortage struct {
	App        string
	TemplateID string // "": forms and payments
	Free       int64  // permits that can still be used
	Threshold  int64  // the app's StockLow
}

// Lasts says whether there is a shortage now, given whether there was one
// before. It begins below the threshold, and is over when the stock is a tenth
// above it: a stock that swings around the threshold is told of once.
func (s Shortage) Lasts(before bool) bool {
	if before {
		return s.Free < s.Threshold+max(s.Threshold/10, 1)
	}
	return s.Free < s.Threshold
}

// ShortageData is the data of stock.low.
func ShortageData(s Shortage) []byte {
	return encoded(struct {
		App        string  `json:"app"`
		TemplateID *string `json:"template_id"`
		Free       int64   `json:"free"`
		Threshold  int64   `json:"stock_low"`
	}{s.App, orNull(s.TemplateID), s.Free, s.Threshold})
}
