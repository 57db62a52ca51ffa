const wxnotify = require('wxnotify-miniprogram')
const config = require('./config')
const standin = require('./demo/standin')

const notify = wxnotify.create({
  server: config.server,
  app: config.app,
  wx: config.sandbox && standin(config) // leave this line out in your own project
})

App({
  notify,
  orders: require('./orders'),

  onLaunch(options) {
    notify.start(options)
  },

  onShow(options) {
    this.fromCard = notify.opened(options)
  },

  onHide() {
    notify.flush()
  }
})
