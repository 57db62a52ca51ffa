var NONE = { status: 0, body: {} }

// One call to the server. It never rejects; status 0 means that no answer came.
// After a Retry-After no call leaves the phone until that time is over.
module.exports = function (env) {
  var shut = false

  // A date counts as no Retry-After, since the phone's clock may be wrong. At
  // most an hour. HTTP/2 gives lower case.
  function obey(header) {
    var seconds = Math.min(header['Retry-After'] || header['retry-after'], 3600)
    if (!(seconds > 0)) return
    shut = true
    setTimeout(function () { shut = false }, seconds * 1000)
  }

  // call resolves {ok, status, body}; body is {} unless the answer was JSON.
  return function (method, path, token, data) {
    if (shut) return Promise.resolve(NONE)
    return new Promise(function (done, fail) {
      env.wx.request({
        url: env.server + path,
        method: method,
        header: token ? { Authorization: 'Bearer ' + token } : {},
        data: data,
        timeout: 10000,
        success: function (res) {
          obey(res.header || {})
          var status = res.statusCode
          done({ ok: status >= 200 && status < 300, status: status, body: Object(res.data) })
        },
        fail: fail
      })
    }).catch(function (err) {
      env.say('network', env.text(err) + ' at ' + env.server)
      return NONE
    })
  }
}
