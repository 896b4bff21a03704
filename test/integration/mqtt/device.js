/*
 * One-key devices with the npm package mqtt, as a peer that we did not write: QoS 1, reconnecting by
 * itself, sending again by itself what was not acknowledged.
 *
 *   node device.js FOLDER      FOLDER/node_modules has mqtt
 *
 * Standard input, first line: {"url", "devices": [{"id", "key"}], "presses",
 * "pause_ms", "options"?}. Each device
 * presses so often, seq 1, 2, ..., a few under way at a time. Standard output: a line {"id", "seq"} for
 * each PUBACK, {"error"} for what the library complains of, {"done"} at the end.
 */
'use strict'
const crypto = require('crypto')
const path = require('path')
const mqtt = require(path.join(process.argv[2], 'node_modules', 'mqtt'))

const UNDER_WAY = 4

function say (what) {
  process.stdout.write(JSON.stringify(what) + '\n')
}

function password (device) {
  const mac = crypto.createHmac('sha256', device.key).update(`mqtt\n${device.id}\n0`).digest('hex')
  return '0:' + mac
}

function play (job, device) {
  return new Promise((resolve) => {
    const client = mqtt.connect(job.url, {
      clientId: device.id,
      username: device.id,
      password: password(device),
      protocolVersion: 4,
      reconnectPeriod: 50,
      connectTimeout: 20000,
      queueQoSZero: false,
      ...job.options
    })
    let next = 1
    let acked = 0
    const press = (seq) => {
      if (seq > job.presses) return
      const body = JSON.stringify({ boot_id: 'npm', seq, key: 'service' })
      client.publish(`hotline/v1/${device.id}/up/press`, body, { qos: 1 }, (error) => {
        if (error) { // the library gave up; a device does not
          say({ error: String(error) })
          setTimeout(press, 100, seq)
          return
        }
        say({ id: device.id, seq })
        acked++
        if (acked === job.presses) client.end(false, {}, resolve)
        else setTimeout(() => press(next++), Math.random() * job.pause_ms)
      })
    }
    client.on('error', (error) => {
      if (error.code !== 'ECONNREFUSED' && error.code !== 'ECONNRESET') say({ error: String(error) })
    })
    for (let i = 0; i < UNDER_WAY; i++) press(next++)
  })
}

let text = ''
process.stdin.on('data', (data) => { text += data })
process.stdin.on('end', () => {
  const job = JSON.parse(text)
  Promise.all(job.devices.map((device) => play(job, device))).then(() => {
    say({ done: true })
    process.exit(0)
  })
})
