const config = require('../../config')
const shop = require('../../demo/user')(config)
const { cart, place } = require('../../orders')

const { notify } = getApp()

Page({
  data: { cart: cart({}), paying: false },

  onLoad({ counts }) {
    this.setData({ cart: cart(JSON.parse(decodeURIComponent(counts || '%7B%7D'))) })
  },

  // One tap: the form gives one message, the payment, once it is made, three.
  submit(e) {
    notify.form(e, { scene: 'order' })
    if (this.data.paying) return
    this.setData({ paying: true })

    const { note } = e.detail.value
    shop.order()
      .then((params) => notify.pay(params, { scene: 'order' }))
      .then(({ paid }) => {
        this.setData({ paying: false })
        if (paid) wx.redirectTo({ url: '/pages/order/detail?id=' + place({ ...this.data.cart, note }) })
      }, (err) => {
        this.setData({ paying: false })
        wx.showModal({ title: '没有下单成功', content: err.errMsg, showCancel: false })
      })
  }
})
