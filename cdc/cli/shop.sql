-- The demo's shop. Statements end with a semicolon at a line's end; those of a section are run in
-- order. {rows} is the number of rows to make.

-- name: tables

CREATE TABLE customers (
    id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(80) NOT NULL,
    email      VARCHAR(120) CHARACTER SET latin1,
    country    CHAR(2) NOT NULL DEFAULT 'DE',
    level      ENUM('basic', 'silver', 'gold') DEFAULT 'basic',
    interests  SET('garden', 'kitchen', 'tools', 'toys') NOT NULL,
    birthday   DATE,
    newsletter BOOLEAN NOT NULL,
    verified   BIT(1) NOT NULL,
    balance    DECIMAL(12, 2) NOT NULL,
    settings   JSON,
    joined     DATETIME(6) NOT NULL,
    seen       TIMESTAMP(3) NULL
);

CREATE TABLE products (
    sku        CHAR(10) NOT NULL PRIMARY KEY,
    title      VARCHAR(120) NOT NULL,
    price      DECIMAL(10, 4) NOT NULL,
    weight     FLOAT,
    rating     DOUBLE,
    since      YEAR NOT NULL,
    flags      BIT(12) NOT NULL,
    picture    MEDIUMBLOB,
    attributes JSON
);

CREATE TABLE orders (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer   INT UNSIGNED NOT NULL,
    status     ENUM('new', 'paid', 'sent', 'back') NOT NULL,
    placed     DATETIME(3) NOT NULL,
    pickup     TIME(6),
    total      DECIMAL(14, 2) NOT NULL,
    note       TEXT,
    changed    TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
);

CREATE TABLE order_lines (
    order_id   BIGINT UNSIGNED NOT NULL,
    line       SMALLINT NOT NULL,
    sku        CHAR(10) NOT NULL,
    quantity   MEDIUMINT NOT NULL,
    price      DECIMAL(10, 4) NOT NULL,
    PRIMARY KEY (order_id, line)
);

CREATE TABLE payments (
    id         BINARY(16) NOT NULL PRIMARY KEY,
    order_id   BIGINT UNSIGNED NOT NULL,
    method     ENUM('card', 'bank', 'cash') NOT NULL,
    amount     DECIMAL(14, 2) NOT NULL,
    receipt    VARBINARY(40),
    paid       TIMESTAMP(6) NOT NULL
);

CREATE TABLE inventory (
    warehouse  VARCHAR(12) NOT NULL,
    sku        CHAR(10) NOT NULL,
    stock      INT NOT NULL,
    wanted     TINYINT UNSIGNED DEFAULT 5,
    counted    DATE NOT NULL,
    PRIMARY KEY (warehouse, sku)
);

CREATE TABLE reviews (
    id         INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sku        CHAR(10) NOT NULL,
    customer   INT UNSIGNED NOT NULL,
    stars      TINYINT UNSIGNED NOT NULL,
    body       MEDIUMTEXT NOT NULL,
    votes      JSON NOT NULL,
    written    DATETIME(6) NOT NULL
);

-- name: customers

INSERT INTO customers (name, email, country, level, interests, birthday, newsletter, verified,
    balance, settings, joined, seen)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT CONCAT(ELT(1 + i MOD 5, 'Ada', 'Jörg', 'Zoë', '玲', 'Ümit 🙂'), ' ', i),
    IF(i MOD 11 = 0, NULL, CONCAT('käufer', i, '@example.com')),
    ELT(1 + i MOD 4, 'DE', 'FR', 'PL', 'JP'),
    IF(i MOD 13 = 0, NULL, 1 + i MOD 3),
    FLOOR(RAND() * 16),
    IF(i MOD 7 = 0, NULL, DATE '1940-01-01' + INTERVAL FLOOR(RAND() * 24000) DAY),
    i MOD 2, i MOD 3 = 0,
    ROUND(RAND() * 20000 - 5000, 2),
    IF(i MOD 5 = 0, NULL, JSON_OBJECT('theme', ELT(1 + i MOD 2, 'dark', 'light'), 'size', i,
        'ratio', CAST(RAND() AS DOUBLE), 'tags', JSON_ARRAY(i MOD 2 = 0, NULL, 'ß'))),
    TIMESTAMP '2015-01-01 00:00:00.000000' + INTERVAL FLOOR(RAND() * 300000000000000) MICROSECOND,
    IF(i MOD 4 = 0, NULL,
        TIMESTAMP '2024-01-01 00:00:00.000' + INTERVAL FLOOR(RAND() * 50000000) SECOND)
FROM n;

-- name: products

INSERT INTO products
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT CONCAT('P-', LPAD(i, 6, '0')), CONCAT(ELT(1 + i MOD 3, 'Spade', 'Kettle', 'Yo-yo'), ' № ', i),
    RAND() * 900, IF(i MOD 9 = 0, NULL, RAND() * 40), IF(i MOD 6 = 0, NULL, RAND() * 5),
    1990 + i MOD 37, FLOOR(RAND() * 4096),
    IF(i MOD 3 = 0, NULL, RANDOM_BYTES(1 + i MOD 200)),
    JSON_OBJECT('colour', ELT(1 + i MOD 3, 'red', 'blue', 'grün'),
        'mm', JSON_ARRAY(i MOD 90, ROUND(RAND() * 100, 1)))
FROM n;

-- name: orders

INSERT INTO orders (customer, status, placed, pickup, total, note, changed)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT 1 + FLOOR(RAND() * 1000), 1 + i MOD 4,
    TIMESTAMP '2024-01-01 00:00:00.000' + INTERVAL FLOOR(RAND() * 60000000000000) MICROSECOND,
    IF(i MOD 3 = 0, NULL, SEC_TO_TIME(RAND() * 86399)),
    RAND() * 3000, IF(i MOD 4 = 0, NULL, CONCAT('Ring twice.\n"', i, '"')),
    TIMESTAMP '2024-06-01 00:00:00.000000' + INTERVAL FLOOR(RAND() * 40000000000000) MICROSECOND
FROM n;

-- name: order_lines

INSERT INTO order_lines
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} - 1)
SELECT 1 + i DIV 2, 1 + i MOD 2, CONCAT('P-', LPAD(1 + FLOOR(RAND() * 1000), 6, '0')),
    1 + FLOOR(RAND() * 9), RAND() * 900
FROM n;

-- name: payments

INSERT INTO payments
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT UNHEX(LEFT(SHA2(i, 256), 32)), i, 1 + i MOD 3, RAND() * 3000, IF(i MOD 4 = 0, NULL, RANDOM_BYTES(1 + i MOD 40)),
    TIMESTAMP '2024-06-01 00:00:00.000000' + INTERVAL FLOOR(RAND() * 40000000000000) MICROSECOND
FROM n;

-- name: inventory

INSERT INTO inventory
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} - 1)
SELECT ELT(1 + i MOD 3, 'Aachen', 'Łódź', 'lyon'), CONCAT('P-', LPAD(1 + i DIV 3, 6, '0')),
    FLOOR(RAND() * 500) - 20, IF(i MOD 5 = 0, NULL, i MOD 256),
    DATE '2024-01-01' + INTERVAL i MOD 700 DAY
FROM n;

-- name: reviews

INSERT INTO reviews (sku, customer, stars, body, votes, written)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT CONCAT('P-', LPAD(1 + FLOOR(RAND() * 1000), 6, '0')), 1 + FLOOR(RAND() * 1000), 1 + i MOD 5,
    REPEAT(ELT(1 + i MOD 3, 'Good. ', 'Très bien ! ', '良い。'), 1 + i MOD 30),
    JSON_OBJECT('up', i MOD 50, 'down', i MOD 7),
    TIMESTAMP '2024-01-01 00:00:00.000000' + INTERVAL FLOOR(RAND() * 60000000000000) MICROSECOND
FROM n;

-- name: new columns

ALTER TABLE orders
    ADD COLUMN channel VARCHAR(20) NOT NULL DEFAULT 'web',
    ADD COLUMN gift JSON NULL AFTER status;
