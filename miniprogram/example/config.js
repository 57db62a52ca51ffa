// The addresses and ids are those of `wxnotify demo`, the same on every machine.
module.exports = {
  server: 'http://127.0.0.1:8080',
  app: 'wx7f3c9a1e5b2d8046',

  // Your own project has real templates, best named by an alias: ['accepted'].
  templates: {
    accepted: 'Kd7RzW2nQx9TfLb4YhVc1MsJp6GaUe0XiNo8BtEw3Zk', // 接单通知
    arrived: 'Bw5HtNc8EjXr2PzLq0KdVy6FmSa3UgTi9OoRk1WbYxQ' // 订单送达提醒
  },

  // Without an account nobody can pay or subscribe. The sandbox plays WeChat's
  // part: see demo/. In your own project take sandbox and demo/ out.
  sandbox: 'http://127.0.0.1:8081'
}
