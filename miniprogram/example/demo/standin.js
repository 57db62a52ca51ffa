// WeChat's part, for the demonstration only. DevTools without an account can
// neither pay nor subscribe, so two calls of wx are played here, and say so on
// the screen; the sandbox is told what the user chose. Everything else is the
// real wx.
module.exports = function (config) {
  const user = require('./user')(config)

  return {
    login: wx.login,
    request: wx.request,
    getStorageSync: wx.getStorageSync,
    setStorageSync: wx.setStorageSync,
    onNetworkStatusChange: wx.onNetworkStatusChange,

    requestPayment({ success, fail }) {
      wx.showModal({
        title: '演示支付',
        content: '这里没有真的扣款。真机上出现的是微信支付。',
        confirmText: '支付成功',
        cancelText: '取消支付',
        success: ({ confirm }) => confirm ? success({ errMsg: 'requestPayment:ok' }) : fail({ errMsg: 'requestPayment:fail cancel' })
      })
    },

    requestSubscribeMessage({ tmplIds, success, fail }) {
      wx.showModal({
        title: '演示订阅',
        content: '真机上出现的是微信的订阅面板。允许发送 ' + tmplIds.length + ' 条一次性消息吗？',
        confirmText: '允许',
        cancelText: '拒绝',
        success({ confirm }) {
          const results = {}
          tmplIds.forEach((id) => { results[id] = confirm ? 'accept' : 'reject' })
          const failed = (err) => fail({ errCode: 10003, errMsg: 'requestSubscribeMessage:fail ' + err.errMsg })
          user.call('subscriptions', { results }).then(() => success({ errMsg: 'requestSubscribeMessage:ok', ...results }), failed)
        }
      })
    }
  }
}
