// pay is wx.requestPayment, and reports the prepay_id once the payment went
// through: of an unpaid order it would be worth nothing. Whatever is wrong with
// notifications, the payment itself goes on. The promise never rejects.
module.exports = function (env, params, report) {
  return new Promise(function (done) {
    var call = {}
    for (var name in params) call[name] = params[name]

    call.success = function (res) {
      var id = /^prepay_id=([0-9A-Za-z_-]{10,128})$/.exec(params.package)
      if (id) report(id[1])
      else env.say('prepay', 'pay: no prepay_id in package, nothing reported.')
      done({ paid: true, errMsg: res.errMsg })
      if (params.success) params.success(res)
    }
    call.fail = function (err) {
      done({ paid: false, errMsg: err.errMsg })
      if (params.fail) params.fail(err)
    }
    env.wx.requestPayment(call)
  }).catch(function (err) { return { paid: false, errMsg: env.text(err) } })
}
