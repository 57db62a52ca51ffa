// The phone's storage, which may be full, broken or filled by an older version.
// Then the copy in memory has to do until the mini program is closed.
module.exports = function (env) {
  return {
    read: function (key) {
      try {
        return env.wx.getStorageSync(key) || null
      } catch (e) {
        return null
      }
    },
    write: function (key, value) {
      try {
        env.wx.setStorageSync(key, value)
      } catch (e) {
        env.say('storage', 'storage failed: ' + env.text(e))
      }
    }
  }
}
