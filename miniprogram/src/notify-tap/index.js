var wxnotify = require('../index')

// <notify-tap scene bind:press> wraps any content in a form, so that a tap on it
// gives one form id. press comes whether or not there was an id.
//
// report-submit-timeout is left out on purpose: it would hold the press back
// while WeChat asks its server; an id that is not good costs us one refused try.
Component({
  properties: {
    scene: String
  },
  methods: {
    submit: function (e) {
      var notify = wxnotify.current
      if (notify) notify.form(e, { scene: this.data.scene })
      else console.warn('[wxnotify] notify-tap: call create() in app.js first.')
      this.triggerEvent('press')
    }
  }
})
