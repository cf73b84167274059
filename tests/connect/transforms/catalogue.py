"""The transforms and predicates by the names of the Java classes they stand for."""

from __future__ import annotations

from connect.transforms.cast import CastKey, CastValue
from connect.transforms.contract import Transform
from connect.transforms.extract_field import ExtractFieldKey, ExtractFieldValue
from connect.transforms.extract_new_record_state import ExtractNewRecordState
from connect.transforms.filter import Filter
from connect.transforms.flatten import FlattenKey, FlattenValue
from connect.transforms.headers import DropHeaders, HeaderFromKey, HeaderFromValue, InsertHeader
from connect.transforms.hoist_field import HoistFieldKey, HoistFieldValue
from connect.transforms.insert_field import InsertFieldKey, InsertFieldValue
from connect.transforms.mask_field import MaskFieldKey, MaskFieldValue
from connect.transforms.regex_router import RegexRouter
from connect.transforms.replace_field import ReplaceFieldKey, ReplaceFieldValue
from connect.transforms.set_schema_metadata import SetSchemaMetadataKey, SetSchemaMetadataValue
from connect.transforms.timestamp_converter import TimestampConverterKey, TimestampConverterValue
from connect.transforms.timestamp_router import TimestampRouter
from connect.transforms.value_to_key import ValueToKey

_PACKAGE = "org.apache.kafka.connect.transforms."
_BOTH: dict[str, tuple[type[Transform], type[Transform]]] = {
    "Cast": (CastKey, CastValue),
    "ExtractField": (ExtractFieldKey, ExtractFieldValue),
    "Flatten": (FlattenKey, FlattenValue),
    "HeaderFrom": (HeaderFromKey, HeaderFromValue),
    "HoistField": (HoistFieldKey, HoistFieldValue),
    "InsertField": (InsertFieldKey, InsertFieldValue),
    "MaskField": (MaskFieldKey, MaskFieldValue),
    "ReplaceField": (ReplaceFieldKey, ReplaceFieldValue),
    "SetSchemaMetadata": (SetSchemaMetadataKey, SetSchemaMetadataValue),
    "TimestampConverter": (TimestampConverterKey, TimestampConverterValue),
}
_SINGLE: dict[str, type[Transform]] = {
    "DropHeaders": DropHeaders,
    "Filter": Filter,
    "InsertHeader": InsertHeader,
    "RegexRouter": RegexRouter,
    "TimestampRouter": TimestampRouter,
    "ValueToKey": ValueToKey,
}
CLASSES: dict[str, type[Transform]] = {
    "io.debezium.transforms.ExtractNewRecordState": ExtractNewRecordState,
    **{_PACKAGE + name: kind for name, kind in _SINGLE.items()},
    **{f"{_PACKAGE}{name}$Key": pair[0] for name, pair in _BOTH.items()},
    **{f"{_PACKAGE}{name}$Value": pair[1] for name, pair in _BOTH.items()},
}
