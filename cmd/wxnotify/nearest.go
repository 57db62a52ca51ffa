package main

import "strings"

// didYouMean names the known name that is nearest to the one that somebody
// wrote: fewest letters to change, or one that is a part of the other. prefix
// stands in front of it.
func didYouMean(name string, known []string, prefix string) string {
	best, least := "", len(name)/2+2
	for _, k := range known {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if len(name) > 3 && len(k) > 3 && (strings.Contains(k, name) || strings.Contains(name, k)) {
			d = min(d, 2)
		}
		if d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + prefix + best + "?"
}

// distance is how many bytes to add, drop or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
