// What the developer has to know is said in the console, once per topic and
// launch: a form that is submitted a hundred times must not say it a hundred times.
module.exports = function (env) {
  var said = {}

  // say returns true the first time that a topic comes up.
  env.say = function (topic, text) {
    if (said[topic]) return false
    said[topic] = true
    console.warn('[wxnotify] ' + text)
    return true
  }

  // text is what a failed call of wx, or an exception, has to say.
  env.text = function (err) {
    return (err && err.errMsg) || String(err)
  }

  // problem says what the server had against it, once per code.
  env.problem = function (what, res) {
    var code = (res.status + ' ' + (res.body.code || '')).trim()
    env.say(what + code, what + ' refused: ' + code + ' ' + (res.body.detail || res.body.title || ''))
  }
}
