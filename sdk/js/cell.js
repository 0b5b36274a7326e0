// Connect to cells and be one. Node 18 or later, its own modules alone; copy this file beside your program.
//
//   const cell = require('./cell.js')
//
//   cell.listen('shout', async conn => {                const conn = await cell.connect('shout@laptop')
//     let text = ''                                     conn.end('hello')
//     for await (const part of conn) text += part       for await (const part of conn) process.stdout.write(part)
//     conn.end(text.toUpperCase())
//   })
//
// connect() starts the cell if it is not running, and rejects with one class per reason: NotFound, Denied, Unreachable,
// Changed, Failed, Busy, NoStem. A Conn is a stream.Duplex whose two directions end separately. A call to another machine
// that was cut is an 'error' of the class Cut, after all that arrived, and never an 'end'. (A cell can't be told that its
// caller was cut off: where that matters, send a length.) What is spoken is written in docs/wire.md.
//
// What node can't do by itself:
// - flock(2), so listen() has flock(1) or else perl take the name's lock on a file that node has open, and it
//   fails where neither is installed. A cell that the stem starts needs no lock, and so neither of them.
// - getpeername(2) of a Unix socket, so conn.caller() has perl or else python3 look at the connection, once it is asked.
// - a write that fails while reading goes on: what is written when the other end takes no more is dropped, and
//   conn.dropped is true. What the other end has written still arrives.
'use strict'

const { spawn } = require('node:child_process')
const crypto = require('node:crypto')
const { EventEmitter } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { Duplex } = require('node:stream')
const { setTimeout: sleep } = require('node:timers/promises')

class CellError extends Error { get name() { return this.constructor.name } }
class NotFound extends CellError {}    // there is no such cell, and no dna to start one
class Denied extends CellError {}      // that machine does not let this one reach the cell, or has no such cell; it does not say which
class Unreachable extends CellError {} // no way to the peer was found
class Changed extends CellError {}     // at the place that was dialled answers another peer than the one that is known there
class Failed extends CellError {}      // the cell could not start; for a cell on this machine, with its last words
class Busy extends CellError {}        // too much is being asked of that machine at once; try again later
class NoStem extends CellError {}      // a stem is needed, and none runs on this machine
class Bad extends CellError {}         // an address or a name that is none
class Cut extends CellError {}         // the call did not come to an orderly end
class InUse extends CellError {}       // a live cell of that name is already there

const codes = {
  __proto__: null, 'not-found': NotFound, denied: Denied, unreachable: Unreachable, changed: Changed,
  failed: Failed, busy: Busy, bad: Bad, cut: Cut,
}

// connect resolves to a Conn to the cell at an address, NAME or NAME@PEER. signal, an AbortSignal, covers the call and not the Conn.
async function connect(address, { signal } = {}) {
  const { name, here } = parse(address)
  try {
    if (here && !forwards(name)) return await connectHere(name, signal)
    return await ask('open ' + address, signal).catch(err => {
      if (here && err instanceof NoStem) return connectHere(name, signal)
      throw err
    })
  } catch (err) {
    if (err instanceof CellError) err.message = `dial ${address}: ${err.message}`
    throw err
  }
}

// forwards says whether a cell has settings and no program, and stands for a server: the stem can tell that it is down from an end.
function forwards(name) {
  const program = path.join(home(), 'dna', name)
  return !fs.lstatSync(program, { throwIfNoEntry: false }) && !!fs.lstatSync(program + '.toml', { throwIfNoEntry: false })
}

// connectHere connects to the cell's own socket. The stem is asked only to start it, twice if it ends as soon as it has started.
async function connectHere(name, signal) {
  const at = socketPath(name)
  for (let tries = 0; ; tries++) {
    try {
      // Once the stem has seen it alive, a cell that refuses may only be about to listen.
      return new Conn(await dial(at, signal, tries ? 500 : 0))
    } catch (err) {
      if (!missing(err)) throw err
      if (tries === 2) throw new Failed('the cell ended as soon as it had started')
    }
    (await ask('germinate ' + name, signal)).destroy()
  }
}

// Conn is a connection to a cell or, when listen accepted it, from a caller.
class Conn extends Duplex {
  dropped = false // something was written that the other end did not take any more
  #socket
  #call // the stem's number for a call to another machine: it knows how that ended
  #cut
  #caller

  constructor(socket, call) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#call = call
    // A write error would end the reading, too: it is told in dropped instead.
    const write = socket._write
    socket._writev = null
    socket._write = (data, encoding, done) => write.call(socket, data, encoding, err => { this.dropped ||= !!err; done() })
    socket.on('data', data => { if (!this.push(data)) socket.pause() })
    socket.on('end', () => this.#ended())
    socket.on('error', err => {
      if (err.code !== 'ECONNRESET') return this.destroy(err)
      // The other end did not read all of its input. What it wrote has been delivered to this process.
      this.dropped = true
      for (let data; (data = socket.read()) !== null;) this.push(data)
      this.#ended()
    })
  }

  // caller resolves to who calls: { peer, pid, uid }, peer being the ID of a machine as its key proved it, or else '' for
  // a process of this one. What is not known is '' or 0; call is what the stem calls it by.
  caller() { return this.#caller ??= callerOf(this.#socket) }

  // reset ends the call, and has the caller's end be an error of the class Cut: for a cell that can't finish its answer. A
  // caller on this machine that connected to the cell directly reads an end all the same.
  async reset() {
    const { call } = await this.caller()
    if (call) await ask('cut ' + call, AbortSignal.timeout(2000)).then(door => door.destroy(), () => {}) // or the call is over
    this.destroy()
  }

  // #ended asks the stem: a Unix socket reads as a clean end however the call ended.
  async #ended() {
    if (this.#call !== undefined) {
      try {
        (await ask('end ' + this.#call, AbortSignal.timeout(5000))).destroy()
      } catch (err) {
        this.#cut = new Cut('the call was cut: ' + (err instanceof NoStem ? 'the stem of this machine ended' : err.message))
        if (this.readableLength > 0) this.emit('readable') // whoever waits for more must take what there is
        else this.destroy(this.#cut)
        return
      }
    }
    this.push(null)
  }

  // read is Readable's, and tells of a cut once all that arrived has been taken.
  read(n) {
    let data = super.read(n)
    if (this.#cut && n !== 0) {
      data ??= super.read()
      if (this.readableLength === 0) process.nextTick(() => this.destroy(this.#cut))
    }
    return data
  }

  // A loop over what is read does not end the writing side, as Readable's own would.
  [Symbol.asyncIterator]() { return this.iterator({ destroyOnReturn: false }) }

  _read() { this.#socket.resume() }

  _write(data, encoding, done) {
    if (!this.dropped) return void this.#socket.write(data, () => done())
    if (this.readableEnded) this.destroy() // there is nothing left to wait for
    else process.nextTick(done)
  }

  _final(done) {
    if (this.dropped || this.#socket.destroyed) done()
    else this.#socket.end(() => done())
  }

  _destroy(err, done) {
    this.#socket.destroy()
    done(err)
  }
}

// listen makes this process the cell of that name, in the place of a dead one, and resolves to a Server. It rejects with InUse
// at a live one. onConn is called with the Conn of each caller.
async function listen(name, onConn) {
  checkName(name)
  const server = new Server()
  if (onConn) server.on('connection', onConn)
  try {
    await start(server, name)
  } catch (err) {
    err.message = `listen as ${name}: ${err.message}`
    throw err
  }
  return server
}

async function start(server, name) {
  const run = path.join(home(), 'run')
  for (const dir of [home(), run]) {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
    const { uid, mode } = fs.statSync(dir)
    const closed = dir === run ? 0o022 : 0o077 // the home keeps others out of run/
    if (uid !== process.geteuid() || mode & closed) throw new CellError(`${dir} must be yours and closed to others: run "chmod 700 ${dir}"`)
  }
  const at = socketPath(name)
  if (process.env.CELL_STARTED === '1' && process.env.CELL_NAME === name) {
    delete process.env.CELL_STARTED // the stem holds the lock for us, once
    return server._bind(at)
  }
  const lock = fs.openSync(path.join(run, name + '.lock'), 'a', 0o600)
  try {
    await flock(lock)
    await server._bind(at)
  } finally {
    fs.closeSync(lock)
  }
}

// Server emits 'connection' with a Conn for each caller, and 'close'.
class Server extends EventEmitter {
  #inner = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, socket => {
    const conn = new Conn(socket)
    conn.on('error', () => {}) // a caller that fails does not end the cell; reading it still tells
    this.emit('connection', conn)
  })
  #path
  #ino

  // _bind binds a hidden name, listens, renames: the socket answers from the moment it is seen.
  async _bind(at) {
    if (await alive(at)) throw new InUse('already running')
    const hidden = path.join(path.dirname(at), '.' + crypto.randomBytes(4).toString('hex'))
    await new Promise((done, fail) => this.#inner.once('error', fail).listen(hidden, done))
    this.#inner.on('close', () => this.emit('close')).on('error', err => this.emit('error', err))
    fs.chmodSync(hidden, 0o600)
    this.#ino = fs.statSync(hidden).ino
    fs.renameSync(hidden, at)
    this.#path = at
  }

  // close stops listening, and removes the socket's file if it is still ours. Nobody replaces it while we still answer.
  close() {
    if (this.#path && fs.statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#ino) fs.unlinkSync(this.#path)
    this.#path = undefined
    this.#inner.close()
  }
}

// alive says whether a process listens at the socket. It connects and leaves, since node knows no other way.
async function alive(at) {
  try {
    (await dial(at)).destroy()
    return true
  } catch (err) {
    if (missing(err)) return false
    throw err
  }
}

// flock takes an exclusive lock on an open file, for as long as it is open: a helper locks what it inherits as descriptor 3.
async function flock(fd) {
  const { status } = await helper([['flock', '-x', '3'], ['perl', '-e', 'open F, ">>&=3" and flock F, 2 or exit 1']], fd, 15000)
  if (status !== 0) throw new CellError('locked by another process')
}

// callerOf reads the name of the other end. The stem binds its end of a connection to @cell/PEERID/RANDOM; a process of
// this machine has none, and Linux tells which it is.
async function callerOf(socket) {
  const cred = process.platform === 'linux'
  const { out } = await helper([
    ['perl', '-MSocket', '-e', `open S, "+<&=3"; print ${cred ? 'getsockopt(S, SOL_SOCKET, 17)' : 'pack("i3", 0, 0, 0)'}, getpeername S`],
    ['python3', '-c', `import os, socket; s = socket.socket(fileno=3); os.write(1, ${cred ? 's.getsockopt(1, 17, 12)' : 'bytes(12)'} + b"..\\0" * (s.getpeername()[:1] == b"\\0") + os.fsencode(s.getpeername()).lstrip(b"\\0"))`],
  ], socket, 15000)
  const match = /(?:^..\0|@)cell\/(([^/]+)\/.+)/s.exec(out.subarray(12).toString('latin1'))
  if (match) return { peer: match[2], pid: 0, uid: 0, call: match[1] }
  return out.length < 12 ? { peer: '', pid: 0, uid: 0 } : { peer: '', pid: out.readInt32LE(0), uid: out.readInt32LE(4) }
}

// helper runs the first of some commands that is installed, with an open file or socket as its descriptor 3.
async function helper(commands, three, timeout) {
  for (const [program, ...args] of commands) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore', three], timeout })
    three.resume?.() // node stops reading from a socket that it hands on
    const parts = []
    child.stdout.on('data', part => parts.push(part))
    const status = await new Promise(done => child.on('error', () => done('missing')).on('close', done))
    if (status !== 'missing') return { status, out: Buffer.concat(parts) }
  }
  throw new CellError(`this needs ${commands.map(([program]) => program).join(' or ')}, and none is installed`)
}

// parse returns the cell's name and whether it is one of this machine. The peer is for the stem to understand.
function parse(address) {
  if (!/^[!-~]{1,3584}$/.test(address)) throw new Bad(`address "${address}": is empty, too long, or contains a space or an unprintable character`)
  const url = /^cell:\/\/([^/?]*)\/([^?]*)(\?key=[\w.-]{1,2048})?$/.exec(address)
  if (address.startsWith('cell://') && !url) throw new Bad(`address "${address}" is not cell://PEER/NAME or cell://PEER/NAME?key=KEY`)
  const [, name, , peer] = url ? [0, url[2], 0, url[1]] : /^([^@]*)(@(.*))?$/.exec(address)
  try {
    checkName(name)
  } catch (err) {
    err.message = `address "${address}": ${err.message}`
    throw err
  }
  return { name, here: peer === undefined || peer.toLowerCase() === 'local' }
}

function checkName(name) {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name) || name.includes('..') || /\.(toml|sock|lock|log)$/.test(name)) {
    throw new Bad(`cell name "${name}" is none: one of a-z, 0-9, then up to 62 of a-z 0-9 . _ -, without two dots in a row, ` +
      'and not ending in .toml, .sock, .lock or .log')
  }
}

function home() { return path.resolve(process.env.CELL_HOME || path.join(os.homedir(), '.cell')) }

function socketPath(name) {
  const at = path.join(home(), 'run', name + '.sock')
  const limit = process.platform === 'darwin' ? 103 : 107
  if (Buffer.byteLength(at) > limit) {
    throw new CellError(`socket path ${at} has ${Buffer.byteLength(at)} bytes, the limit is ${limit}: use a shorter name or a shorter CELL_HOME`)
  }
  return at
}

// ask sends the stem a request line. It resolves to the connection behind a verdict of ok, and rejects with what the stem refuses with.
async function ask(request, signal) {
  let socket
  try {
    socket = await dial(path.join(home(), 'stem.sock'), signal)
  } catch (err) {
    throw missing(err) ? new NoStem('no stem is running') : err
  }
  return new Promise((resolve, reject) => {
    let line = Buffer.alloc(0)
    const settle = (err, call) => {
      signal?.removeEventListener('abort', abort)
      socket.off('error', gone).off('end', gone).off('data', read)
      if (!err) return resolve(new Conn(socket, call))
      socket.on('error', () => {}).destroy()
      reject(err)
    }
    const abort = () => settle(signal.reason)
    const gone = () => settle(new NoStem('no stem is running any more: it ended before it answered'))
    const read = data => {
      line = Buffer.concat([line, data])
      const end = line.indexOf('\n')
      if (end < 0 ? line.length >= 4096 : end >= 4096) return settle(new Bad('line is longer than 4096 bytes'))
      if (end < 0) return
      const rest = line.subarray(end + 1) // what follows is the cell's
      socket.pause()
      const [word, code, ...reason] = line.subarray(0, end).toString().split(' ')
      if (word === 'ok') {
        const pairs = [code, ...reason].filter(Boolean)
        const bad = pairs.find(pair => pair.indexOf('=') < 1)
        if (bad) return settle(new Bad(`${JSON.stringify(bad)} is not key=value`))
        if (rest.length) socket.unshift(rest)
        const call = pairs.find(pair => pair.startsWith('call=')) ?? 'call=0' // the first one counts
        return settle(null, request.startsWith('open ') ? call.slice('call='.length) : undefined)
      }
      if (word !== 'no') return settle(new Bad('verdict is neither ok nor no'))
      settle(codes[code] ? new codes[code](reason.join(' ') || code) : new Failed([code, ...reason].join(' ')))
    }
    signal?.addEventListener('abort', abort)
    socket.on('error', gone).on('end', gone).on('data', read)
    socket.write(request + '\n')
  })
}

// dial connects, and waits for a live process whose queue is full and, for some milliseconds, for one that does not listen yet.
async function dial(at, signal, refusedFor = 0) {
  const until = Date.now() + refusedFor
  for (let pause = 1; ; pause = Math.min(2 * pause, 20)) {
    signal?.throwIfAborted()
    try {
      return await new Promise((resolve, reject) => {
        const socket = net.connect({ path: at, allowHalfOpen: true })
        socket.once('error', reject).once('connect', () => {
          socket.removeListener('error', reject)
          resolve(socket)
        })
      })
    } catch (err) {
      if (err.code !== 'EAGAIN' && !(missing(err) && Date.now() < until)) throw err
    }
    await sleep(pause)
  }
}

function missing(err) { return err.code === 'ENOENT' || err.code === 'ECONNREFUSED' }

module.exports = { connect, listen, Conn, Server, CellError, NotFound, Denied, Unreachable, Changed, Failed, Busy, NoStem, Bad, Cut, InUse }
