// The test cells in JavaScript: cells.js CELL --name NAME.
const crypto = require('node:crypto')
const fs = require('node:fs')
const cell = require('../js/cell.js')

const cells = {
  async echo(conn) { conn.pipe(conn) },
  async late(conn) { // answers when all is read
    const whole = crypto.createHash('sha256')
    for await (const data of conn) whole.update(data)
    conn.end(whole.digest('hex') + '\n')
  },
  async first(conn) { // speaks and ends its side, and then keeps what it reads
    conn.end('you first\n')
    const heard = []
    for await (const data of conn) heard.push(data)
    const file = process.env.CELL_HOME + '/heard'
    fs.writeFileSync(file, Buffer.concat(heard))
    fs.renameSync(file, file + '.whole')
  },
  async early(conn) { // answers, and reads nothing
    conn.end('enough\n'.repeat(20000), () => conn.destroy())
  },
  async who(conn) {
    conn.resume()
    await new Promise(setImmediate) // it is being read now, and asking does not stop that
    const { peer, pid, uid } = await conn.caller()
    const answer = () => conn.end((peer || `local pid ${pid} uid ${uid}`) + '\n')
    conn.readableEnded ? answer() : conn.on('end', answer)
  },
  async torn(conn) { // can't finish its answer
    conn.write('half')
    conn.once('data', () => conn.reset())
  },
  async hang(conn) { // says something, and never ends
    conn.write('half')
    conn.resume()
  },
}

cell.listen(process.env.CELL_NAME || process.argv[4], cells[process.argv[2]]).then(
  () => console.log('listening'),
  err => { console.error(`${err.name}: ${err.message}`); process.exitCode = 1 })
