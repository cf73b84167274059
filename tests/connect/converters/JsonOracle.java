// Records json_cases.txt with Kafka's own converter. Standard input: lines "SETTINGS<TAB>MESSAGE",
// where SETTINGS are comma separated key=value pairs of JsonConverter. Standard output: the same
// lines with a third column, what the converter writes for what it read, or ERROR.
//   cut -f1,2 json_cases.txt > cases; java -cp 'LIBRARIES/*' JsonOracle.java < cases > json_cases.txt
// LIBRARIES are org.apache.kafka:connect-json:4.3.1 and what it needs; Java 19 or later, since
// older ones print some fractions with a digit more.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;

public class JsonOracle {
    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        Map<String, JsonConverter> converters = new HashMap<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] columns = line.split("\t", 2);
            JsonConverter converter = converters.computeIfAbsent(columns[0], JsonOracle::converter);
            String written;
            try {
                byte[] message = columns[1].getBytes(StandardCharsets.UTF_8);
                SchemaAndValue read = converter.toConnectData("t", message);
                byte[] bytes = converter.fromConnectData("t", read.schema(), read.value());
                written = bytes == null ? "NULL" : new String(bytes, StandardCharsets.UTF_8);
            } catch (Exception error) {
                written = "ERROR";
            }
            out.println(line + "\t" + written);
        }
        out.flush();
    }

    private static JsonConverter converter(String settings) {
        Map<String, String> map = new HashMap<>();
        for (String pair : settings.split(",")) {
            String[] parts = pair.split("=", 2);
            map.put(parts[0], parts[1]);
        }
        JsonConverter converter = new JsonConverter();
        converter.configure(map, false);
        return converter;
    }
}
