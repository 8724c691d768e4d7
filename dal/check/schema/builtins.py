"""Which of PostgreSQL's own functions may return NULL when their arguments are not NULL.

A strict function returns NULL for a NULL. All of PostgreSQL's own are assumed to return NULL in no
other case, except these from the sources of PostgreSQL 15.18 and 18.6: the functions whose C code,
or a function that it delegates to, sets the result to NULL. They are listed by pg_proc.prosrc,
because only some overloads of a name such as upper() may be NULL; functions written in SQL are
listed by their names. `tests/check/test_builtins.py` calls the others.
"""

MAY_BE_NULL = {
    *("aclitemin", "array_dims", "array_length", "array_lower", "array_ndims", "array_upper"),
    *("box_intersect", "close_ls", "close_lseg", "close_pb", "close_pl", "close_ps"),
    *("close_sb", "col_description", "current_schema", "date_part", "extract_date"),
    *("extract_interval", "extract_timestamp", "extract_timestamptz", "icu_unicode_version"),
    *("interval_part", "interval_to_char", "json_array_element", "json_array_element_text"),
    *("json_extract_path", "json_extract_path_text", "json_object_field"),
    *("json_object_field_text", "json_to_record", "jsonb_array_element"),
    *("jsonb_array_element_text", "jsonb_bool", "jsonb_extract_path"),
    *("jsonb_extract_path_text", "jsonb_float4", "jsonb_float8", "jsonb_int2", "jsonb_int4"),
    *("jsonb_int8", "jsonb_numeric", "jsonb_object_field", "jsonb_object_field_text"),
    *("jsonb_path_exists", "jsonb_path_exists_opr", "jsonb_path_exists_tz", "jsonb_path_match"),
    *("jsonb_path_match_opr", "jsonb_path_match_tz", "jsonb_path_query_first"),
    *("jsonb_path_query_first_tz", "jsonb_to_record", "line_interpt", "lseg_interpt"),
    *("multirange_lower", "multirange_upper", "numeric_min_scale", "numeric_scale"),
    *("numeric_to_number", "obj_description", "path_add", "path_area", "path_distance"),
    *("poly_distance", "range_lower", "range_minus", "range_upper", "regexp_match"),
    *("regexp_match_no_flags", "regexp_substr", "regexp_substr_no_flags", "regexp_substr_no_n"),
    *("regexp_substr_no_start", "regexp_substr_no_subexpr", "shobj_description"),
    *("show_config_by_name_missing_ok", "substring", "system_user", "textregexsubstr"),
    *("timestamp_part", "timestamp_time", "timestamp_to_char", "timestamptz_part"),
    *("timestamptz_time", "timestamptz_timetz", "timestamptz_to_char", "ts_lexize"),
    *("uuid_extract_timestamp", "uuid_extract_version"),
}
# Functions about the server's state are not analysed: they may return NULL, except those below.
UNCHECKED_PREFIXES = ("pg_", "has_", "to_reg", "txid_", "inet_client", "inet_server")
CHECKED = {
    *("pg_convert", "pg_convert_from", "pg_convert_to", "pg_size_bytes", "pg_size_pretty"),
    *("pg_size_pretty_numeric", "pg_backend_pid"),
}
# Non-strict functions: how many leading arguments must be non-NULL for a non-NULL result.
_NONE = (
    *("array_append", "array_prepend", "json_build_array", "json_build_array_noargs"),
    *("json_build_object", "json_build_object_noargs", "jsonb_build_array"),
    *("jsonb_build_array_noargs", "jsonb_build_object", "jsonb_build_object_noargs"),
    *("pg_num_nonnulls", "pg_num_nulls", "pg_typeof", "quote_nullable", "range_constructor2"),
    *("range_constructor3", "text_concat"),
)
_FIRST = (
    *("array_positions", "array_remove", "array_replace", "text_concat_ws", "text_format"),
    *("text_format_nv", "text_to_array", "text_to_array_null"),
)
DECIDING = dict.fromkeys(_NONE, 0) | dict.fromkeys(_FIRST, 1)
DECIDING |= {"array_cat": 2, "array_to_text_null": 2}
