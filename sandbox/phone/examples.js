// Values to begin with: one of those that a keyword may have, else for keywords
// that are known by name, else for what their kind allows.

import { hours } from './frame.js'
import { now } from './world.js'

function moment () {
  const d = now()
  return d.getFullYear() + '年' + (d.getMonth() + 1) + '月' + d.getDate() + '日 ' + hours(d)
}

const byName = { 状态: () => '已接单', 时间: moment, 骑手: () => '张一山', 电话: () => '136xxxx1720', 备注: () => '请手机保持通畅', 站点: () => '建国门', 线路: () => '地铁1号线', 温馨提示: () => '请及时取餐' }

const byKind = {
  thing: () => '请手机保持通畅', number: () => '12', letter: () => 'ABC', symbol: () => '-', character_string: () => 'A-1019',
  time: moment, date: () => moment().split(' ')[0], amount: () => '¥28.50', phone_number: () => '13600001720',
  car_number: () => '粤A8Z888', name: () => '张一山', phrase: () => '已接单'
}

export function example (keyword) {
  if (keyword.values?.length) return keyword.values[0]
  const kind = keyword.key.replace(/\d+$/, '')
  const fit = (kind === 'keyword' || kind === 'thing' ? byName[keyword.name] : null) || byKind[kind]
  return fit ? fit() : keyword.name
}
