// Package consoletest opens the console in a browser: what an operator sees and
// does, with data that the real server made against the sandbox and its faults.
// Every page is checked for script errors, for violations of its policy, and
// for requests that go anywhere else.
//
// `make test` tells one story per page. With WXNOTIFY_LONG=1 (`make console`)
// all pages are opened in both languages and themes, and with WXNOTIFY_SHOTS
// naming a folder the pictures are kept there. TestHero makes the picture of
// the README, and TestBig measures the pages on a large database.
package consoletest
