// The shop's side, kept in the phone's storage so that the example needs no
// backend of its own. A real shop keeps its orders on its server.
const KEY = 'orders'

const DISHES = [
  { id: 1, name: '红烧牛肉面', note: '牛腱子炖四小时，面可选宽细', face: '🍜', tint: 'beef', price: 2800 },
  { id: 2, name: '虾仁云吞', note: '鲜虾现包，一份十只', face: '🥟', tint: 'wonton', price: 2400 },
  { id: 3, name: '葱油拌面', note: '小葱慢熬，配溏心蛋', face: '🍝', tint: 'scallion', price: 1600 },
  { id: 4, name: '凉拌黄瓜', note: '拍黄瓜，蒜香微辣', face: '🥒', tint: 'green', price: 900 },
  { id: 5, name: '桂花酸梅汤', note: '冰镇，少糖', face: '🧋', tint: 'plum', price: 800 }
]

const yuan = (fen) => (fen / 100).toFixed(2).replace(/\.00$/, '')

// cart is what was chosen, as the pages show it.
function cart(counts) {
  const lines = DISHES.filter(({ id }) => counts[id]).map((dish) => ({ ...dish, count: counts[dish.id], sum: yuan(dish.price * counts[dish.id]) }))
  const total = lines.reduce((sum, line) => sum + line.price * line.count, 0)
  return { lines, count: lines.reduce((sum, line) => sum + line.count, 0), total: yuan(total) }
}

function all() {
  return wx.getStorageSync(KEY) || []
}

// place keeps a paid order and returns its number.
function place(order) {
  const orders = all()
  const id = String(1019 + orders.length)
  wx.setStorageSync(KEY, orders.concat({ ...order, id, time: clock(new Date()) }))
  return id
}

// find is the order, or a sample one: a card of the demonstration may name an
// order that was never placed here.
function find(id) {
  const sample = { id: id || '1019', note: '请手机保持通畅', time: '12:31', sample: true, ...cart({ 1: 1, 4: 1, 5: 1 }) }
  return all().filter((order) => order.id === id)[0] || sample
}

function clock(date) {
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':')
}

module.exports = { DISHES, cart, find, place, yuan }
