var mock = require('./formid').mock

var MOST = 200
var WEEK = 7 * 24 * 3600 * 1000

// What the user has given and the server has not taken yet.
//
// An item is {id, at, scene, body}. The id is made here and stays the same
// however often the item is sent, so that a repeat counts once. An item leaves
// only by take; nothing is thrown away because a call went wrong.
module.exports = function (env) {
  var key = 'wxnotify:' + env.app + ':queue'
  var items = [].concat(env.store.read(key) || []).filter(function (item) { return item && item.id && item.body })

  var dated = false // an item has a new date, which storage does not know yet

  function keep(next) {
    if (next.length === items.length && !dated) return
    dated = false
    items = next
    env.store.write(key, items)
  }

  // young drops what WeChat would refuse by now. The clock may have been set
  // back since: then the age is not known, and counting starts again.
  function young(item, now) {
    if (item.at > now) {
      item.at = now
      dated = true
    }
    if (now - item.at <= WEEK) return true
    env.say('old', 'permits over 7 days old were dropped.')
    return false
  }

  // real drops mock form ids. Only a sandbox app takes them.
  function real(item, sandbox) {
    var why = !sandbox && item.body.source === 'form' && mock(item.body.code)
    if (!why) return true
    env.say(why, 'form id dropped' + (item.scene ? ' (scene ' + item.scene + ')' : '') + ': ' + why)
    return false
  }

  return {
    size: function () { return items.length },

    add: function (body, scene) {
      if (items.length >= MOST) env.say('full', 'over ' + MOST + ' permits waiting; the oldest were dropped.')
      items = items.slice(1 - MOST)
      items.push({ id: unique(), at: Date.now(), scene: scene || '', body: body })
      env.store.write(key, items)
    },

    // group is the next n items as the server reads them.
    group: function (n, sandbox) {
      var now = Date.now()
      keep(items.filter(function (item) { return young(item, now) && real(item, sandbox) }))
      return items.slice(0, n).map(function (item) {
        var out = { id: item.id, age_seconds: Math.floor((now - item.at) / 1000) }
        for (var name in item.body) out[name] = item.body[name]
        return out
      })
    },

    // take removes items by id, once the server has spoken about them.
    take: function (ids) {
      keep(items.filter(function (item) { return ids.indexOf(item.id) < 0 }))
    }
  }
}

function unique() {
  return 'mp-' + Date.now().toString(36) + Math.random().toString(36).slice(2)
}
