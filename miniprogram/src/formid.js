// What WeChat hands out instead of a form id, and what to do about it.
// Source: WeChat's form documentation and captures; real ids seen so far are
// 13 digits, 32 hex letters, or wx and 34 letters and digits.
var SHAPES = [
  [/^the formId is a mock one/, 'DevTools gives mock ids. Use a phone, or an app marked as sandbox.'],
  [/^requestFormId:fail/, 'WeChat gives none now. Use notify.subscribe().'],
  [/^the formId is no longer available/, 'develop and trial versions get none. Use notify.subscribe().'],
  [/^(?![\w-]{10,128}$)/, 'this is none.']
]

// mock returns why code is no form id, or '' when it may be one.
exports.mock = function (code) {
  for (var i = 0; i < SHAPES.length; i++) {
    if (SHAPES[i][0].test(code)) return SHAPES[i][1]
  }
  return ''
}
