// wxnotify-miniprogram brings what a user gives (a submitted form, a payment,
// an accepted subscription) to the wxnotify server, which turns each into the
// right to send one message.
//
// What it promises: an item is kept in storage until the server has spoken about
// it, and counts once however often it is sent. Nothing here throws into a
// page, and no promise rejects: what went wrong is in the answer, and for the
// developer in the console. One tap gives one permit; it never tries for more.
//
// The files are ES5, because mini programs run where nothing translates them.
// Only Promise is used beyond it; WeChat brings its own.
var Say = require('./say')
var Store = require('./store')
var Wire = require('./wire')
var Session = require('./session')
var Queue = require('./queue')
var Upload = require('./upload')
var subscribe = require('./subscribe')
var pay = require('./pay')

var made = {}

// create gives the one notifier of a server and app, however often it is called:
// two would overwrite each other's queue. One with a wx of its own is apart.
exports.create = function (options) {
  var o = options || {}
  var env = {
    wx: o.wx || (typeof wx === 'undefined' ? null : wx),
    server: String(o.server || '').replace(/\/+$/, ''),
    app: o.app
  }
  var key = env.server + ' ' + env.app
  var notify = (!o.wx && made[key]) || notifier(env)
  if (!o.wx) made[key] = notify
  return (exports.current = notify)
}

// current is the notifier made last, for <notify-tap>.
exports.current = null

function notifier(env) {
  Say(env)
  var fault = env.fault = missing(env)
  if (fault) env.say('create', 'create: ' + fault)
  env.store = Store(env)
  env.call = Wire(env)
  var session = Session(env)
  var queue = Queue(env)
  var upload = Upload(env, session, queue)
  var listening = false

  function give(body, options) {
    if (fault) return
    queue.add(body, options && options.scene)
    upload.soon()
  }

  function flush() {
    return fault ? Promise.resolve() : upload.flush()
  }

  return guard(env, {
    start: function () {
      if (fault || listening) return
      listening = true
      session.freshen()
      flush()
      env.wx.onNetworkStatusChange(function (res) { if (res.isConnected) flush() })
    },

    // 1014 and 1107 are WeChat's scenes of a tap on one of our messages.
    opened: function (options) {
      flush()
      return /^(1014|1107)$/.test(options && options.scene)
    },

    flush: flush,

    form: function (e, options) {
      var code = e && e.detail && e.detail.formId
      if (code) return give({ source: 'form', code: String(code) }, options)
      env.say('formId', 'form: no formId; pass the bindsubmit event of <form report-submit>.')
    },

    pay: function (params, options) {
      return pay(env, params || {}, function (code) {
        var now = session.now
        if (!now || now.payments !== false) give({ source: 'payment', code: code }, options)
      })
    },

    subscribe: function (names, options) {
      return subscribe(env, session, names, function (id, word) {
        give({ source: 'subscribe', template_id: id, result: word }, options)
      })
    },

    me: function () {
      if (fault) return Promise.resolve(null)
      return session.authorized('GET', '/mp/v1/me').then(function (res) {
        return res.ok ? res.body : null
      })
    }
  })
}

function missing(env) {
  if (!env.wx) return 'no wx: not a mini program.'
  if (!/^https?:/.test(env.server)) return "server is missing, like 'https://n.example.com'."
  if (!env.app) return 'app (the appid) is missing.'
  return ''
}

// guard keeps our own mistakes out of the user's page.
function guard(env, methods) {
  Object.keys(methods).forEach(function (name) {
    var work = methods[name]
    methods[name] = function (a, b) {
      try {
        return work(a, b)
      } catch (err) {
        env.say('bug ' + name, name + ': ' + env.text(err))
      }
    }
  })
  return methods
}
