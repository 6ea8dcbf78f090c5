<?php // Prints the vocabularies of FakerPHP, all locales: one JSON object a line. Usage: php faker-php.php [FOLDER OF Faker/]
$root = $argv[1] ?? '/usr/share/php/Faker';
require "$root/autoload.php";
$picks = ['Person' => ['first' => '/^firstName/', 'last' => '/^(lastName|middleName)/'], 'Lorem' => ['lorem' => '/^wordList$/'], 'Address' => ['city' => '/^(cityNames?|cities|city)$/'], 'Company' => ['job' => '/^jobTitleFormat$/', 'phrase' => '/^(catchPhrase|bs)/']];
function words($x) { if (is_string($x)) return [$x]; if (is_array($x)) { $r = []; foreach ($x as $e) $r = array_merge($r, words($e)); return $r; } return []; }
$locales = array_map('basename', glob("$root/Provider/*_*", GLOB_ONLYDIR)); sort($locales);
foreach (array_merge([''], $locales) as $locale) foreach ($picks as $area => $kinds) {
    $class = 'Faker\\Provider\\' . ($locale ? "$locale\\" : '') . $area;
    if (!class_exists($class)) continue;
    $reflection = new ReflectionClass($class);
    foreach ($kinds as $kind => $pattern) {
        $found = [];
        foreach ($reflection->getProperties(ReflectionProperty::IS_STATIC) as $property) {
            if ($property->getDeclaringClass()->getName() !== $class || !preg_match($pattern, $property->getName())) continue;
            $property->setAccessible(true);
            foreach (words($property->getValue()) as $w) if (strpos($w, '{{') === false) $found[$w] = 1;
        }
        if ($found) echo json_encode(['source' => 'faker-php', 'locale' => $locale ?: 'base', 'kind' => $kind, 'words' => array_map('strval', array_keys($found))], JSON_UNESCAPED_UNICODE), "\n";
    }
}
