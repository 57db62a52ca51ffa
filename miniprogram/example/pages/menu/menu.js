const { DISHES, cart, yuan } = require('../../orders')

Page({
  data: {
    dishes: DISHES.map((dish) => ({ ...dish, yuan: yuan(dish.price) })),
    counts: {},
    cart: cart({})
  },

  add(e) { this.change(e, 1) },
  remove(e) { this.change(e, -1) },

  change(e, by) {
    const { id } = e.currentTarget.dataset
    const counts = { ...this.data.counts, [id]: (this.data.counts[id] || 0) + by }
    this.setData({ counts, cart: cart(counts) })
  },

  checkout() {
    if (!this.data.cart.count) return
    wx.navigateTo({ url: '/pages/order/order?counts=' + encodeURIComponent(JSON.stringify(this.data.counts)) })
  }
})
