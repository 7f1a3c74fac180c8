// The book's way, rewritten: how the replay program of John Gilbert's "JavaScript Cloud Native Development
// Cookbook" goes about it, with the same libraries. It lists by marker, reads one object after another, and sends
// each event by itself, asynchronously where the payload is small, the next when the last is accepted; and it
// tells of every call, event and payload on standard output. What it did is told on standard error.
//
// node book_way.js ENDPOINT BUCKET FUNCTION

const highland = require('highland');
const { last } = require('lodash');
const AWS = require('aws-sdk');

AWS.config.setPromisesDependency(require('bluebird'));

const [endpoint, bucket, functionName] = process.argv.slice(2);
const LARGEST_ASYNCHRONOUS = 100000;

const settings = { endpoint, region: 'us-east-1', logger: process.stdout };
const s3 = new AWS.S3({ ...settings, s3ForcePathStyle: true });
const lambda = new AWS.Lambda(settings);

function show(value) {
  console.log(JSON.stringify(value, null, 2));
}

function objects() {
  let marker;
  return highland((push, next) => {
    s3.listObjects({ Bucket: bucket, Marker: marker })
      .promise()
      .then((page) => {
        page.Contents.forEach((object) => push(null, object));
        if (page.IsTruncated) {
          marker = last(page.Contents).Key;
          next();
        } else {
          push(null, highland.nil);
        }
      })
      .catch((error) => {
        push(error);
        push(null, highland.nil);
      });
  });
}

function linesOf(object) {
  const body = s3.getObject({ Bucket: bucket, Key: object.Key }).promise();
  return highland(body.then((found) => found.Body.toString()))
    .split()
    .compact()
    .map((line) => JSON.parse(line));
}

function toRecord({ event, kinesisRecordMetadata: kinesis, firehoseRecordMetadata: firehose }) {
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: kinesis.partitionKey,
      sequenceNumber: kinesis.sequenceNumber,
      data: Buffer.from(JSON.stringify(event)).toString('base64'),
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `${kinesis.shardId}:${kinesis.sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    awsRegion: firehose.region,
    eventSourceARN: firehose.deliveryStreamArn,
  };
}

function invoke(line) {
  show(line.event);
  const event = { Records: [toRecord(line)] };
  show(event);
  const payload = Buffer.from(JSON.stringify(event));
  const type = payload.length <= LARGEST_ASYNCHRONOUS ? 'Event' : 'RequestResponse';
  const parameters = { FunctionName: functionName, InvocationType: type, Payload: payload };
  return highland(lambda.invoke(parameters).promise());
}

const start = process.hrtime.bigint();

objects()
  .flatMap(linesOf)
  .flatMap(invoke)
  .stopOnError((error) => {
    console.error(error.message);
    process.exit(1);
  })
  .collect()
  .each((answers) => {
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    console.error(JSON.stringify({ events: answers.length, invocations: answers.length, duration_s: seconds }));
  });
