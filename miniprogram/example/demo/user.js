// The sandbox, asked in the name of this user. Who that is, the server says.
module.exports = function (config) {
  const call = (where, body) => getApp().notify.me().then((stock) => new Promise((done, fail) => {
    if (!stock) return fail({ errMsg: 'wxnotify demo is not running' })
    wx.request({
      url: config.sandbox + '/sandbox/' + where,
      method: 'POST',
      data: { appid: config.app, openid: stock.touser, ...body },
      success: ({ statusCode, data }) => statusCode < 300 ? done(data) : fail({ errMsg: data.error }),
      fail
    })
  }))

  return {
    call,

    // order is what a shop's server answers after it has placed the order with
    // WeChat Pay: the parameters for wx.requestPayment.
    order: () => call('payments').then(({ prepay_id: id }) => ({
      timeStamp: String(Math.floor(Date.now() / 1000)),
      nonceStr: 'demo',
      package: 'prepay_id=' + id,
      signType: 'MD5',
      paySign: 'demo'
    }))
  }
}
