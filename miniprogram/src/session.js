var DAY = 24 * 3600 * 1000

// The session: who the user is to the server, and which templates there are.
//
// It is made once and kept in storage. It has no end of its own here, since the
// phone's clock may be wrong: the server's 401 ends it, and it is renewed
// without a word. While it is renewed the templates stay, because
// wx.requestSubscribeMessage must be called without waiting.
module.exports = function (env) {
  var key = 'wxnotify:' + env.app
  var saved = env.store.read(key)
  var going = null // the login under way; whoever asks meanwhile gets the same

  function keep(next) {
    env.store.write(key, self.now = next)
    return next
  }

  function code() {
    return new Promise(function (done, fail) {
      env.wx.login({ success: function (res) { done(res.code) }, fail: fail })
    })
  }

  function exchange(code) {
    return env.call('POST', '/mp/v1/login', '', { app: env.app, code: code }).then(function (res) {
      var body = res.body
      if (res.ok && body.session) {
        body.server = env.server
        body.at = Date.now()
        return keep(body)
      }
      if (res.status) env.problem('login', res)
      return null
    })
  }

  var self = {
    // now is the server's answer to the login, or null before the first.
    now: saved && saved.server === env.server ? saved : null,

    // login resolves the new session, or null when that failed.
    login: function () {
      if (!going) {
        going = code().then(exchange).catch(function (err) {
          env.say('wx.login', env.text(err))
          return null
        })
        going.then(function () { going = null })
      }
      return going
    },

    // get is login, unless there is a session already.
    get: function () {
      return self.now && self.now.session ? Promise.resolve(self.now) : self.login()
    },

    // freshen logs in anew once a day, so that new templates become known. An
    // age below zero means that the clock was set back.
    freshen: function () {
      var age = self.now ? Date.now() - self.now.at : -1
      if (age < 0 || age > DAY) self.login()
    },

    // learn keeps a fact about the session until the next login.
    learn: function (name, value) {
      if (!self.now) return
      self.now[name] = value
      keep(self.now)
    },

    // authorized makes a call with the session, and once more with a new one
    // after a 401; another call may have renewed it in the meantime.
    authorized: function (method, path, data) {
      function once() {
        return self.get().then(function (got) {
          if (!got) return {} // as if no answer had come
          var token = got.session
          return env.call(method, path, token, data).then(function (res) {
            if (res.status === 401 && self.now.session === token) self.learn('session', '')
            return res
          })
        })
      }
      return once().then(function (res) { return res.status === 401 ? once() : res })
    }
  }
  return self
}
