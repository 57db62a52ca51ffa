-- +goose Up
-- A message that WeChat took at the first attempt has no row in attempt: its
-- queue row is the record. finished_at is 0 where it is not.
alter table queue add column finished_at bigint not null default 0;
alter table queue add column errmsg text collate "C" not null default '';
alter table queue add column rid text collate "C" not null default '';
create index queue_msgid on queue (app, msgid) where msgid <> '';
