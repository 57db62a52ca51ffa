const { templates } = require('../../config')
const { find } = require('../../orders')

const { notify } = getApp()

// What came of a tap on the subscribe button, in the user's words.
const REASONS = {
  switched_off: '你在设置里关闭了本小程序的订阅消息',
  network: '网络不太好，请再试一次',
  not_ready: '正在登录，请再试一次'
}

// The page that a card opens: pages/order/detail?id=1019
Page({
  data: { order: null, fromCard: false, stock: null, asked: '' },

  onLoad({ id }) {
    this.setData({ order: find(id), fromCard: getApp().fromCard })
  },

  onShow() {
    this.refresh()
  },

  onPullDownRefresh() {
    this.refresh().then(() => wx.stopPullDownRefresh())
  },

  // In a bindtap, and nothing waits before subscribe: WeChat insists on that.
  subscribe() {
    notify.subscribe([templates.accepted, templates.arrived], { scene: 'detail' }).then(({ accepted, reason }) => {
      this.setData({ asked: accepted.length ? '好的，接单和送达时会通知你' : REASONS[reason] || '好的，不打扰你' })
      return this.refresh()
    })
  },

  // refresh shows the stock as the server has it, after what is queued arrived.
  refresh() {
    return notify.flush().then(() => notify.me()).then((stock) => {
      const once = stock ? Object.values(stock.permits.subscribe).reduce((sum, n) => sum + n, 0) : 0
      this.setData({ stock: stock && { ...stock.permits, once, openid: stock.touser } })
    })
  },

  copy() {
    wx.setClipboardData({ data: this.data.stock.openid })
  }
})
