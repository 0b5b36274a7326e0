// call.js ADDRESS: sends stdin and prints the answer. A refusal or a cut is "CLASS: reason" on stderr, and status 1.
const cell = require('../js/cell.js')

async function main() {
  const conn = await cell.connect(process.argv[2], { signal: AbortSignal.timeout(60000) })
  process.stdin.pipe(conn)
  let parts = 0
  for await (const data of conn) {
    if (parts++ < 10) await new Promise(done => setTimeout(done, 30)) // what comes next waits in buffers
    if (!process.stdout.write(data)) await new Promise(done => process.stdout.once('drain', done))
  }
}

main().catch(err => {
  process.stderr.write(`${err.name}: ${err.message}\n`)
  process.stdout.write('', () => process.exit(1)) // stdin may still be open
})
