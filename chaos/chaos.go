// Package chaos breaks a running wxnotify in every way that it promises to
// survive, and then proves from the outside that nothing was lost and nothing
// came twice.
//
// Everything is a process of its own: one to three servers, the sandbox,
// PostgreSQL, and the load, each under a process group that is killed when the
// run ends, however it ends. Between every server and its two far sides, WeChat and
// PostgreSQL, stands a small TCP proxy that can cut one direction. Three things
// happen at once:
//
//   - The load gives permits at the phone, hands them in and sends messages, in
//     batches, with idempotency keys, at any server that answers. It writes what
//     it is about to do into a journal of its own before each request, and what it
//     heard afterwards. After an error it repeats elsewhere, as a good client does, or
//     gives up, as a bad one does. At kill points a person pauses apps meanwhile,
//     lets them go on, and says of messages whose cards came that they were sent;
//     users allow single messages, and some turn that off again, of which WeChat
//     pushes its events to the first server; and a webhook hears of messages.
//   - The driver draws from a seed whom to kill -9, to stop (SIGSTOP) and
//     continue, whose connections to cut, when to restart PostgreSQL. What it
//     does goes into the journal as well. The sandbox loses and refuses calls
//     with fixed probabilities all the while.
//   - The tail copies the sandbox's log of calls, which is the truth about what
//     reached WeChat, and of its events, with whether they were answered.
//
// Then all faults end, every server runs, and the run waits until every message
// is at rest. The checker reads the journal, the sandbox's logs and cards, what
// the public API says and what the webhook heard, and nothing else: it knows no
// table and no rule of the code that it judges. Its rules are in rules.go; each
// has a hand-made bad log in check_test.go that turns it red.
//
// An upgrade (Options.Next) breaks nothing: the servers are restarted one after
// the other behind a load balancer, and besides all that no request may fail.
//
// A message carries its mark in a keyword and in meta, so that a call, a card
// and a message can be told to be the same without trusting ids of ours.
//
// The seed fixes what is done and in which order, not the scheduling of the
// machine: a run that found something finds it again often, not always. So a
// run that finds something keeps its logs and tells the story of one message.
//
// kill -9 is not a power cut: what the kernel has it keeps. That a commit is
// flushed to the disk is promised by SQLite (synchronous=FULL) and PostgreSQL
// (fsync), and not shown here.
package chaos
