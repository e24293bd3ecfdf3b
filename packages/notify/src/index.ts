export { NotifySinks, sinkNames, sinkProblems, type FileSink, type SinkProblem, type SmtpSink, type WebhookSink } from './sinks.ts';
export { startDelivery, type Delivery, type DeliveryLog, type DeliveryOptions, type NotificationQueue, type QueuedChange } from './delivery.ts';
export { composeMessage, type Message, type TaggedChange } from './message.ts';
