-- +goose Up
-- WeChat's message push: events, what they say about permits and messages, and
-- aliases of two templates.

-- What came in and was not applied yet, or belongs to no message known so far
-- (due is then "no deadline", and until says when it is given up).
create table event (
    app         text not null,
    id          text not null, -- hash of WeChat's own key of it
    kind        text not null,
    openid      text not null,
    template_id text not null,
    said        text not null,
    msgid       text not null,
    errcode     integer not null,
    status      text not null,
    at          integer not null, -- CreateTime, real
    seen_at     integer not null, -- real
    due         integer not null, -- real
    until       integer not null, -- real
    primary key (app, id)
) without rowid;
create index event_due on event (due, id);
create index event_until on event (until);
create index event_user on event (app, openid, template_id);

-- Signatures of pushes, for as long as one would be taken for new.
create table delivery (
    app       text not null,
    signature text not null,
    at        integer not null, -- real
    primary key (app, signature)
) without rowid;
create index delivery_at on delivery (at);

-- The ways of a message that has more than one; its own row holds the one that
-- is taken.
create table carrier (
    app         text not null,
    message     text not null,
    channel     text not null,
    template_id text not null,
    body        blob, -- sealed; null after retention
    primary key (app, message, channel)
) without rowid;
alter table message add column either integer not null default 0; -- 1: see carrier

-- Of subscriptions: which event of WeChat's told of the tap, and when it was,
-- in real time. A tap that was reported has a code_hash.
alter table permit add column event text;
alter table permit add column acted_at integer not null default 0;
create unique index permit_event on permit (app, event) where event is not null;
create index permit_tap on permit (app, openid, template_id, acted_at) where acted_at > 0;

-- When the user last turned the template off, in real time as said_at.
alter table word add column off_at integer not null default 0;

create index attempt_msgid on attempt (app, msgid) where msgid <> '';
create index queue_lost on queue (app, openid) where lost = 1;

alter table app add column callback_seen integer not null default 0; -- real
alter table app add column drift_closed integer not null default 0;
alter table app add column drift_spent integer not null default 0;
alter table app add column drift_at integer not null default 0;

alter table template add column fields text not null default ''; -- JSON, '' without any
alter table template add column trim integer not null default 0;

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values
    ('permit', 'permit_event', '1000000 1000000 1'),
    ('permit', 'permit_tap', '1000000 1000000 10 3 1'),
    ('queue', 'queue_lost', '1000 1000 1'),
    ('attempt', 'attempt_msgid', '1000000 1000000 1'),
    ('event', 'event', '10000 10000 1'),
    ('event', 'event_due', '10000 100 1'),
    ('event', 'event_until', '10000 10'),
    ('event', 'event_user', '10000 10000 10 2'),
    ('delivery', 'delivery', '10000 10000 1'),
    ('delivery', 'delivery_at', '10000 10'),
    ('carrier', 'carrier', '10000 10000 2 1');
