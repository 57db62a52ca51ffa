-- +goose Up
-- WeChat's message push: events, what they say about permits and messages, and
-- aliases of two templates.

-- What came in and was not applied yet, or belongs to no message known so far
-- (due is then "no deadline", and until says when it is given up).
create table event (
    app         text collate "C" not null,
    id          text collate "C" not null, -- hash of WeChat's own key of it
    kind        text collate "C" not null,
    openid      text collate "C" not null,
    template_id text collate "C" not null,
    said        text collate "C" not null,
    msgid       text collate "C" not null,
    errcode     bigint not null,
    status      text collate "C" not null,
    at          bigint not null, -- CreateTime, real
    seen_at     bigint not null, -- real
    due         bigint not null, -- real
    until       bigint not null, -- real
    primary key (app, id)
);
create index event_due on event (due, id);
create index event_until on event (until);
create index event_user on event (app, openid, template_id);

-- Signatures of pushes, for as long as one would be taken for new.
create table delivery (
    app       text collate "C" not null,
    signature text collate "C" not null,
    at        bigint not null, -- real
    primary key (app, signature)
);
create index delivery_at on delivery (at);

-- The ways of a message that has more than one; its own row holds the one that
-- is taken.
create table carrier (
    app         text collate "C" not null,
    message     text collate "C" not null,
    channel     text collate "C" not null,
    template_id text collate "C" not null,
    body        bytea, -- sealed; null after retention
    primary key (app, message, channel)
);
alter table message add column either smallint not null default 0; -- 1: see carrier

-- Of subscriptions: which event of WeChat's told of the tap, and when it was,
-- in real time. A tap that was reported has a code_hash.
alter table permit add column event text collate "C";
alter table permit add column acted_at bigint not null default 0;
create unique index permit_event on permit (app, event) where event is not null;
create index permit_tap on permit (app, openid, template_id, acted_at) where acted_at > 0;

-- When the user last turned the template off, in real time as said_at.
alter table word add column off_at bigint not null default 0;

create index attempt_msgid on attempt (app, msgid) where msgid <> '';
create index queue_lost on queue (app, openid) where lost = 1;

alter table app add column callback_seen bigint not null default 0; -- real
alter table app add column drift_closed bigint not null default 0;
alter table app add column drift_spent bigint not null default 0;
alter table app add column drift_at bigint not null default 0;

alter table template add column fields text collate "C" not null default ''; -- JSON, '' without any
alter table template add column trim smallint not null default 0;
