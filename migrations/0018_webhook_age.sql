-- Deliveries that wait for a webhook which is never asked age like the others.
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook, created_at) WHERE state = 'pending';
