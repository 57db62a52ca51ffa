// Why wx.requestSubscribeMessage failed, in a word of ours. Source: WeChat's
// documentation of the call.
var CODES = {
  10001: 'no_templates',
  10002: 'network',
  10003: 'network',
  10004: 'template_invalid',
  10005: 'in_background',
  20001: 'template_invalid',
  20002: 'kinds_mixed',
  20003: 'too_many',
  20004: 'switched_off',
  20005: 'app_banned'
}

// The server's word for an answer, and our list of it.
var LISTS = { accept: 'accepted', reject: 'rejected', ban: 'banned', filter: 'filtered' }

// The developer's mistakes, and how to mend them.
var ADVICE = {
  not_ready: 'templates not known yet; call notify.start() in App.onLaunch.',
  not_in_tap: 'call it directly in a tap or a payment callback, before any await or request.',
  unsupported: 'needs base library 2.4.4.',
  template_invalid: 'WeChat does not know a template; was it deleted?'
}

// subscribe shows WeChat's sheet. Everything up to the call happens in the turn
// of the tap. report(template_id, word) is called once for each answer. The
// promise never rejects.
module.exports = function (env, session, names, report) {
  var out = { accepted: [], rejected: [], banned: [], filtered: [], left: [], reason: null }

  function fail(reason, err) {
    out.reason = reason
    out.errMsg = err && env.text(err)
    // Without a server there is no login to wait for.
    var advice = (reason === 'not_ready' && env.fault) || ADVICE[reason]
    if (advice) env.say(reason, 'subscribe: ' + reason + ': ' + advice)
    return out
  }

  return new Promise(function (done) {
    if (!names || !names.length) return done(fail('no_templates'))
    var asked = choose(env, session, [].concat(names), out)
    if (!asked.length) return done(fail(session.now ? 'unknown_template' : 'not_ready'))
    if (!env.wx.requestSubscribeMessage) return done(fail('unsupported'))

    env.wx.requestSubscribeMessage({
      tmplIds: asked.map(function (one) { return one.template_id }),
      success: function (res) {
        asked.forEach(function (one) {
          var word = res[one.template_id]
          if (/^accept/.test(word)) word = 'accept' // also acceptWithAudio and its kin
          out[LISTS[word] || 'left'].push(one.name)
          if (LISTS[word]) report(one.template_id, word)
        })
        done(out)
      },
      fail: function (err) {
        var reason = CODES[err.errCode] || (/TAP gesture/i.test(err.errMsg) ? 'not_in_tap' : 'failed')
        if (reason === 'too_many') session.learn('limits', { subscribe_ids: 3 })
        done(fail(reason, err))
      }
    })
  }).catch(function (err) { return fail('failed', err) })
}

// choose leaves out what WeChat would refuse the whole call for, and says so.
function choose(env, session, names, out) {
  var now = session.now || {}
  var most = Math.min((now.limits && now.limits.subscribe_ids) || 3, single(env.wx) ? 1 : 20)
  var asked = []
  var kind = null

  function leave(name, why) {
    out.left.push(name)
    return env.say('left ' + name + why, 'subscribe: left out ' + name + ': ' + why)
  }

  names.forEach(function (name) {
    var one = find(now.templates || [], name)
    if (!one && !session.now) return out.left.push(name)
    // It may be new since the last login; the next tap will know.
    if (!one) return leave(name, 'unknown alias or id.') && session.login()
    if (asked.some(function (other) { return other.template_id === one.template_id })) return
    if (kind && one.kind && one.kind !== kind) return leave(name, 'one-time and long-term do not go together.')
    if (asked.length >= most) return leave(name, 'at most ' + most + ' at once.')
    kind = kind || one.kind
    asked.push({ name: name, template_id: one.template_id })
  })
  return asked
}

// find knows a template by alias or id. An alias can stand for a classic
// template too, which cannot be subscribed to. An id that the server has not
// listed is taken as it is.
function find(templates, name) {
  var known = templates.filter(function (one) {
    return one.alias === name || one.template_id === name
  })
  var fit = known.filter(function (one) { return one.channel !== 'template' })[0]
  return fit || (!known.length && /^[\w-]{40,64}$/.test(name) ? { template_id: name } : null)
}

// single: up to base library 2.8.3 the sheet takes one template.
function single(wx) {
  var info = (wx.getAppBaseInfo || wx.getSystemInfoSync || Object).call(wx)
  return /^([01]\.|2\.([0-7]\.|8\.[0-3]$))/.test(info.SDKVersion)
}
