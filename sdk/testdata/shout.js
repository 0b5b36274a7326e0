#!/usr/bin/env node
const cell = require('./cell.js')

cell.listen(process.env.CELL_NAME, async conn => {
  let text = ''
  for await (const part of conn) text += part
  conn.end(text.toUpperCase())
})
