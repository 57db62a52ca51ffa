// Package wxcard is the one renderer of message cards: card.js makes the card of
// a template and a message, card.css draws it as phones of 2018 and of today
// do. The sandbox's phone and the console serve both files from here, so that
// what an operator sees is what the simulated phone shows. It imports nothing
// of ours, and decides nothing: what it is given, it shows.
package wxcard

import "embed"

// Files holds card.js, an ES module that exports card, and card.css.
//
//go:embed card.js card.css
var Files embed.FS
