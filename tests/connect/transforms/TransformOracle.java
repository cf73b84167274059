// Records transform_cases.txt with the original transforms. Standard input: lines
// "record<TAB>NAME<TAB>RECORD" and "CLASS<TAB>SETTINGS<TAB>NAME". A record is a JSON object with topic,
// partition, offset, timestamp, headers (an array of [name, message]) and key and value as
// JsonConverter writes them with schemas. Standard output: the same lines, those of cases with a
// fourth column: the members that differ in the record that comes out, or DROPPED, or ERROR.
//   cut -f1-3 transform_cases.txt > cases
//   java -cp 'LIBRARIES/*' TransformOracle.java < cases > transform_cases.txt
// LIBRARIES are org.apache.kafka:{connect-json,connect-transforms}:4.3.1, and
// io.debezium:debezium-connect-plugins:3.6.1.Final with what they need; Java 19 or later.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Transformation;

public class TransformOracle {
    static final ObjectMapper JSON = new ObjectMapper()
            .setNodeFactory(JsonNodeFactory.withExactBigDecimals(true))
            .enable(com.fasterxml.jackson.databind.DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
    static final JsonConverter CONVERTER = new JsonConverter();

    public static void main(String[] arguments) throws Exception {
        CONVERTER.configure(Map.of("replace.null.with.default", "false"), false);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        Map<String, JsonNode> records = new HashMap<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] columns = line.split("\t");
            if (columns[0].equals("record")) {
                records.put(columns[1], JSON.readTree(columns[2]));
                out.println(line);
                continue;
            }
            String result;
            try {
                Map<String, String> settings = new HashMap<>();
                JSON.readTree(columns[1]).properties().forEach(e -> settings.put(e.getKey(), e.getValue().asText()));
                result = transformed(columns[0], settings, records.get(columns[2]));
            } catch (Exception | LinkageError error) {
                result = "ERROR";
                System.err.println(line + "\n    " + error);
            }
            out.println(line + "\t" + result);
        }
        out.flush();
    }

    @SuppressWarnings("unchecked")
    static String transformed(String name, Map<String, String> settings, JsonNode node) throws Exception {
        SchemaAndValue key = read(node.get("key"));
        SchemaAndValue value = read(node.get("value"));
        JsonNode timestamp = node.get("timestamp");
        SinkRecord record = new SinkRecord(node.get("topic").asText(), node.get("partition").intValue(),
                key.schema(), key.value(), value.schema(), value.value(), node.get("offset").longValue(),
                timestamp.isNull() ? null : timestamp.longValue(), TimestampType.CREATE_TIME);
        for (JsonNode header : node.get("headers")) {
            record.headers().add(header.get(0).asText(), read(header.get(1)));
        }
        Transformation<SinkRecord> transform =
                (Transformation<SinkRecord>) Class.forName(name).getDeclaredConstructor().newInstance();
        transform.configure(settings);
        SinkRecord result = transform.apply(record);
        transform.close();
        if (result == null) {
            return "DROPPED";
        }
        ObjectNode written = JSON.createObjectNode();
        written.put("topic", result.topic());
        written.put("partition", result.kafkaPartition());
        written.put("offset", result.kafkaOffset());
        written.put("timestamp", result.timestamp());
        ArrayNode headers = written.putArray("headers");
        for (Header header : result.headers()) {
            headers.addArray().add(header.key()).add(write(header.schema(), header.value()));
        }
        written.set("key", result.key() == null ? null : write(result.keySchema(), result.key()));
        written.set("value", result.value() == null ? null : write(result.valueSchema(), result.value()));
        ObjectNode changed = (ObjectNode) JSON.readTree(written.toString());
        node.properties().forEach(e -> {
            if (e.getValue().equals(changed.get(e.getKey()))) {
                changed.remove(e.getKey());
            }
        });
        return changed.toString();
    }

    static SchemaAndValue read(JsonNode message) throws Exception {
        return CONVERTER.toConnectData("t", message.isNull() ? null : JSON.writeValueAsBytes(message));
    }

    static JsonNode write(Schema schema, Object value) throws Exception {
        byte[] message = CONVERTER.fromConnectData("t", schema, value);
        return message == null ? null : JSON.readTree(message);
    }
}
