// Package phonetest tries the sandbox's page in a real browser: Debian's
// headless Chromium, a real sandbox on loopback, and for the part that only the
// demo has a real server beside it.
//
// Every tab fails its test when a script fails, when the page's policy stops
// something, or when a request would leave loopback. One story is quick enough
// for each run; the others and the screenshots need WXNOTIFY_LONG=1. Pictures
// go to the folder WXNOTIFY_SHOTS, if it is set.
//
// The picture of the README is made by
//
//	WXNOTIFY_HERO=docs/phone.png go test -count=1 -run TestHero ./sandbox/phonetest
package phonetest
