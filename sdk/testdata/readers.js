// Reads lines of JSON, {"verdict": HEX} or {"address": HEX}, and answers what cell.js makes of it.
const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const { Duplex } = require('node:stream')

const file = path.join(__dirname, '..', 'js', 'cell.js')
const m = new Module(file)
m.paths = module.paths
m._compile(fs.readFileSync(file, 'utf8') +
  '\nmodule.exports.inside = { ask, parse, setDial: f => { dial = f } }\n', file)
const { inside, CellError } = m.exports

// stream is a connection to a stem that has sent data and ended its side. It keeps what is written in said.
function stream(data) {
  const s = new Duplex({ allowHalfOpen: true, read() {}, write(part, _, done) { s.said += part; done() } })
  s.said = ''
  if (data.length) s.push(data)
  s.push(null)
  return s
}

async function verdict(data) {
  const dialled = []
  inside.setDial(async () => {
    dialled.push(stream(dialled.length ? Buffer.from('ok\n') : data))
    return dialled.at(-1)
  })
  const conn = await inside.ask('open echo@laptop')
  const parts = []
  for await (const part of conn) parts.push(part)
  conn.destroy()
  const call = /^end (.*)\n$/s.exec(dialled[1].said)[1]
  return { class: '', call: call === '0' ? '' : call, rest: Buffer.concat(parts).toString('hex') }
}

function address(data) { return { class: '', ...inside.parse(data.toString('latin1')) } }

async function main() {
  for await (const line of require('node:readline').createInterface({ input: process.stdin })) {
    const [[kind, hex]] = Object.entries(JSON.parse(line))
    let answer
    try {
      answer = await (kind === 'verdict' ? verdict : address)(Buffer.from(hex, 'hex'))
    } catch (err) {
      if (!(err instanceof CellError)) throw err
      answer = { class: err.name, reason: err.message }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}

main()
