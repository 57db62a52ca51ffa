var GROUP = 50 // the most that the server takes in one call
var GAP = 5000 // ms between calls; the server allows 20 a minute
var FIRST = 2000 // ms of the first wait after a fault, doubled up to LONGEST
var LONGEST = 600000

// Uploading: the first item goes at once, what follows within GAP goes in
// groups. One call at a time and one timer, which is the gap after a call that
// went well and the backoff after one that did not.
module.exports = function (env, session, queue) {
  var busy = null // the promise of the round under way
  var again = false // somebody asked for a flush during that round
  var sent = false // something left in that round
  var timer = null
  var faults = 0

  function rest(fault) {
    var wait = GAP
    if (fault) wait = Math.min(LONGEST, FIRST * Math.pow(2, faults)) * (0.5 + Math.random() / 2)
    faults = fault ? faults + 1 : 0
    // What came in too late for a round that sent nothing is still the first.
    if (!fault && !sent) return queue.size() && self.flush()
    timer = setTimeout(function () {
      timer = null
      if (queue.size() || !session.now) self.flush()
    }, wait)
  }

  // round sends what is queued, group by group; resolves true on a fault.
  function round() {
    again = false
    return session.get().then(function (got) {
      if (!got) return true
      var group = queue.group(GROUP, got.sandbox)
      if (!group.length) return false
      sent = true
      return session.authorized('POST', '/mp/v1/permits', { permits: group }).then(function (res) {
        var fault = settle(group, res)
        return !fault && queue.size() && (again || group.length === GROUP) ? round() : fault
      })
    })
  }

  // settle takes out what the server has spoken about: an item by its own
  // result, all of them by a refusal of the request that would come again.
  function settle(group, res) {
    var ids = group.map(function (item) { return item.id })
    if (final(res.status)) {
      env.problem('upload', res)
      queue.take(ids)
      return false
    }
    var spoken = [].concat((res.ok && res.body.results) || []).filter(function (one) { return one && ids.indexOf(one.id) >= 0 })
    spoken.forEach(function (one) { if (one.error) refused(one.error) })
    queue.take(spoken.map(function (one) { return one.id }))
    return spoken.length < ids.length
  }

  function refused(error) {
    if (error.code === 'payment_not_allowed') {
      session.learn('payments', false)
      error.detail = 'let your own server report payments, once they are paid: POST /v1/permits.'
    }
    env.problem('permit', { status: '', body: error })
  }

  var self = {
    // soon sends now, or with the others when the timer is over.
    soon: function () {
      if (!busy && !timer) self.flush()
    },

    // flush sends what is queued without waiting for the timer. It resolves
    // when that was tried, and never rejects.
    flush: function () {
      again = true
      if (busy) return busy
      clearTimeout(timer)
      timer = null
      sent = false
      busy = round().catch(function (err) {
        env.say('upload', env.text(err))
        return true
      }).then(function (fault) {
        busy = null
        rest(fault)
      })
      return busy
    }
  }
  return self
}

// final: sending the same again would get the same refusal.
function final(status) {
  return /^4(?!01|08|25|29)/.test(status)
}
